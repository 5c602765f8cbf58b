# Golden numbers of metric performance: correlations, tests of two of them, mappings, errors.
# Rscript performance.R > performance.json
library(psych)
library(cocor)
library(jsonlite)

ratings <- c(12, 25, 31, 44, 38, 57, 61, 70, 66, 83, 78, 91, 52, 20)
first <- c(1.1, 1.9, 1.4, 2.6, 2.2, 2.9, 3.6, 3.1, 3.9, 4.4, 4.0, 4.2, 2.6, 1.6)
second <- c(0.3, 0.2, 0.6, 0.5, 0.4, 0.5, 0.9, 0.6, 0.7, 0.8, 0.9, 0.7, 0.7, 0.1)
interval <- c(4, 5, 3, 6, 5, 4, 8, 3, 5, 4, 6, 2, 7, 3)

# Two correlations with one variable in common: Williams' t by psych and by cocor, Steiger's Z of
# 1980 by cocor.
overlap <- function(r12, r13, r23, n) {
  williams <- r.test(n = n, r12 = r12, r13 = r13, r23 = r23)
  other <- cocor.dep.groups.overlap(r12, r13, r23, n)
  stopifnot(abs(abs(williams$t) - abs(other@williams1959$statistic)) < 1e-9)
  list(first = r12, second = r13, between = r23, items = n, t = williams$t, t_p = williams$p,
       z = other@steiger1980$statistic, z_p = other@steiger1980$p.value)
}
independent <- function(r1, n1, r2, n2) {
  found <- r.test(n = n1, r12 = r1, r34 = r2, n2 = n2)
  list(first = r1, first_items = n1, second = r2, second_items = n2, z = found$z, p = found$p)
}

# Fitted with nls from good starts; the isotonic one with isoreg on means of equal values.
line <- lm(ratings ~ first)
s <- nls(ratings ~ low + (high - low) / (1 + exp(-(first - centre) / width)),
         start = list(low = 0, high = 100, centre = 2.7, width = 0.7))
means <- tapply(ratings, second, mean)
sizes <- tapply(ratings, second, length)
rising <- isoreg(rep(as.numeric(names(means)), sizes), rep(means, sizes))
steps <- approx(rep(as.numeric(names(means)), sizes), rising$yf, second, ties = "mean")$y

error <- fitted(line) - ratings
beyond <- pmax(abs(error) - interval, 0)
f <- function(a, b, n) {
  found <- pf((a / b)^2, n, n)
  list(first = a, second = b, degrees = n, f = (a / b)^2, p = 2 * min(found, 1 - found))
}
outliers <- function(a, na, b, nb) {
  # Pearson's chi-squared test without correction is the square of the z test.
  found <- prop.test(c(a, b), c(na, nb), correct = FALSE)
  list(first = a / na, first_items = na, second = b / nb, second_items = nb,
       z = sign(a / na - b / nb) * sqrt(unname(found$statistic)), p = found$p.value)
}

cat(toJSON(list(
  made_by = paste(R.version.string, "psych", packageVersion("psych"),
                  "cocor", packageVersion("cocor")),
  ratings = ratings, first = first, second = second, interval = interval,
  pcc = cor(first, ratings), srcc = cor(second, ratings, method = "spearman"),
  ktau = cor(second, ratings, method = "kendall"),
  overlap = list(overlap(0.4, 0.5, 0.1, 103), overlap(0.9, 0.8, 0.75, 30),
                 overlap(-0.2, 0.3, 0.5, 18), overlap(0.62, 0.6, 0.97, 74)),
  independent = list(independent(0.8, 50, 0.6, 50), independent(0.3, 20, 0.5, 90)),
  line = list(coefficients = unname(coef(line)), rmse = sqrt(mean(error^2)),
              lost = summary(line)$sigma, mse = mean(error^2), mae = mean(abs(error)),
              bias = mean(second - first), epsilon_rmse = sqrt(mean(beyond^2)),
              epsilon_lost = sqrt(sum(beyond^2) / (length(error) - 2)),
              outlier_ratio = mean(abs(error) > interval)),
  logistic = as.list(coef(s)), logistic_rmse = sqrt(mean(resid(s)^2)),
  isotonic = steps,
  f = list(f(0.6, 0.4, 46), f(8, 9.5, 70), f(5, 5, 12)),
  outliers = list(outliers(30, 100, 18, 100), outliers(5, 40, 21, 60))
), digits = I(12), auto_unbox = TRUE, pretty = TRUE), "\n")
