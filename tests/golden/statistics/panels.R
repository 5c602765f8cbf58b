# Golden numbers of screening, opinions and planning: Rscript panels.R, in this folder.
# Draws made-up panels with a fixed seed and writes them with what R makes of them to panels.json.
suppressMessages({library(jsonlite); library(lme4)})
set.seed(5)
draw <- function(listeners, stimuli, noise, low, high, digits) {
  quality <- seq(low + 0.15 * (high - low), high - 0.15 * (high - low), length.out = stimuli)
  bias <- rnorm(listeners, 0, noise / 2)
  scores <- outer(bias, quality, "+") + rnorm(listeners * stimuli, 0, noise)
  matrix(round(pmin(pmax(scores, low), high), digits), listeners)
}

# Pearson's correlation with the mean of the others.
panel <- draw(12, 24, 12, 0, 100, 0)
panel[3, ] <- round(0.35 * panel[3, ] + runif(24, 0, 60))
panel[9, ] <- round(runif(24, 0, 100))
others <- function(scores) sapply(seq_len(nrow(scores)), function(k)
  cor(scores[k, ], colMeans(scores[-k, , drop = FALSE])))
gone <- integer(0); values <- numeric(0); staying <- seq_len(nrow(panel))
repeat {
  found <- others(panel[staying, ])
  if (min(found) >= 0.75) break
  gone <- c(gone, staying[which.min(found)]); values <- c(values, min(found))
  staying <- staying[-which.min(found)]
}
correlation <- list(first = others(panel), gone = gone, values = values)

# BT.500: counts of far scores, deviations with n - 1, kurtosis m4 / m2^2.
wide <- draw(24, 40, 8, 0, 100, 0)
usual <- round(colMeans(wide)); span <- round(apply(wide, 2, sd))
wide[7, seq(2, 40, 5)] <- (usual + rep(c(2.6, -2.6), each = 5, length.out = 40) * span)[seq(2, 40, 5)]
wide[15, seq(1, 40, 3)] <- (usual + 3 * span)[seq(1, 40, 3)]
wide[, 40] <- 50
high <- low <- numeric(nrow(wide)); kurtosis <- numeric(ncol(wide))
for (k in seq_len(ncol(wide))) {
  x <- wide[, k]; centred <- x - mean(x)
  kurtosis[k] <- if (sd(x) == 0) NA else mean(centred^4) / mean(centred^2)^2
  if (sd(x) == 0) next
  reach <- if (kurtosis[k] >= 2 && kurtosis[k] <= 4) 2 else sqrt(20)
  high <- high + (x >= mean(x) + reach * sd(x)); low <- low + (x <= mean(x) - reach * sd(x))
}
far <- (high + low) / ncol(wide) > 0.05
even <- ifelse(high + low > 0, abs(high - low) / (high + low) < 0.3, FALSE)
bt500 <- list(wide = wide, normal = sum(kurtosis >= 2 & kurtosis <= 4, na.rm = TRUE), high = high, low = low, gone = which(far & even))

# BS.1116: paired, one-sided.
reference <- round(pmin(5, 5 - abs(rnorm(12, 0, 0.3))), 1)
grades <- rbind(reference - round(abs(rnorm(12, 0.8, 0.5)), 1), reference + round(rnorm(12, 0, 0.5), 1))
bs1116 <- list(reference = reference, object = grades, p = apply(grades, 1, function(object)
  t.test(object, reference, paired = TRUE, alternative = "less")$p.value))

# Opinions of one stimulus, and of a system that everybody rated on all items.
votes <- c(12, 35, 41, 44, 47, 52, 55, 58, 61, 97)
box <- unname(quantile(votes, c(0.25, 0.5, 0.75), type = 7))
opinion <- list(votes = votes, mean = mean(votes), deviation = sd(votes),
  t = t.test(votes)$conf.int, box = box, outliers = votes[votes < box[1] - 1.5 * (box[3] - box[1]) |
    votes > box[3] + 1.5 * (box[3] - box[1])],
  # Whiskers and outliers of the same 25 votes by both definitions: hinges are quartiles for 4k + 1.
  odd = as.vector(panel[1:5, 1:5]), tukey = boxplot.stats(as.vector(panel[1:5, 1:5]))$stats,
  outside = boxplot.stats(as.vector(panel[1:5, 1:5]))$out,
  system = t.test(rowMeans(panel[, 1:6]))$conf.int)

# A system of which ratings are missing: the ratio of sums, linearised over listeners.
holes <- panel[, 1:6]; holes[cbind(c(1, 2, 2, 5, 8, 11), c(1, 3, 4, 6, 2, 5))] <- NA
sums <- rowSums(holes, na.rm = TRUE); counts <- rowSums(!is.na(holes)); ratio <- sum(sums) / sum(counts)
half <- qt(0.975, 11) * sd(sums - ratio * counts) * sqrt(12) / sum(counts)
missing <- list(scores = holes, mean = mean(holes, na.rm = TRUE), t = ratio + c(-half, half))

# SOS: least squares through the origin.
acr <- draw(24, 40, 0.5, 1, 5, 0)
variances <- apply(acr, 2, var); means <- colMeans(acr)
shape <- -means^2 + 6 * means - 5
sos <- list(a = unname(coef(lm(variances ~ 0 + shape))),
  explained = 1 - sum(resid(lm(variances ~ 0 + shape))^2) / sum((variances - mean(variances))^2))

# Variance components: REML where it is the analysis of variance, and quadratic forms with matrices.
long <- data.frame(score = as.vector(panel[, 1:6]), listener = factor(row(panel[, 1:6])),
  item = factor(col(panel[, 1:6])))
fit <- as.data.frame(VarCorr(lmer(score ~ 1 + (1 | listener) + (1 | item), long, REML = TRUE,
  control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e5)))))
components <- setNames(fit$vcov, fit$grp)
known <- data.frame(score = as.vector(holes), listener = factor(row(holes)), item = factor(col(holes)))
known <- known[!is.na(known$score), ]
zl <- model.matrix(~ 0 + listener, known); zi <- model.matrix(~ 0 + item, known)
project <- function(z) z %*% solve(crossprod(z)) %*% t(z)
one <- project(matrix(1, nrow(known), 1))
forms <- list(project(zl) - one, project(zi) - one, diag(nrow(known)) - one)
trace <- function(a, z) sum(diag(t(z) %*% a %*% z))
left <- t(sapply(forms, function(a) c(trace(a, zl), trace(a, zi), sum(diag(a)))))
right <- sapply(forms, function(a) drop(known$score %*% a %*% known$score))
planning <- list(listener = components[["listener"]], item = components[["item"]],
  residual = components[["Residual"]], henderson = solve(left, right))

# The fewest listeners for a half-width, by trying one after the other.
fewest <- function(width, deviation) {
  n <- 2
  while (qt(0.975, n - 1) * deviation / sqrt(n) > width) n <- n + 1
  n
}
cases <- data.frame(width = c(0.1, 0.25, 0.5, 5, 10, 3), deviation = c(0.7, 0.8, 0.8, 20, 15, 25))
cases$listeners <- mapply(fewest, cases$width, cases$deviation)
tests <- data.frame(difference = c(5, 3, 0.5, 10, 1), deviation = c(10, 10, 0.7, 8, 5),
  power = c(0.8, 0.9, 0.8, 0.95, 0.5), level = c(0.05, 0.01, 0.05, 0.05, 0.1))
paired <- function(...) power.t.test(..., type = "paired", strict = TRUE, tol = 1e-10)
tests$listeners <- mapply(function(d, s, p, a)
  ceiling(paired(delta = d, sd = s, power = p, sig.level = a)$n),
  tests$difference, tests$deviation, tests$power, tests$level)
tests$power_of_20 <- mapply(function(d, s, a) paired(n = 20, delta = d, sd = s, sig.level = a)$power,
  tests$difference, tests$deviation, tests$level)
tests$smallest_of_20 <- mapply(function(s, p, a)
  paired(n = 20, sd = s, power = p, sig.level = a)$delta, tests$deviation, tests$power, tests$level)

write_json(list(r = R.version.string, panel = panel, acr = acr, correlation = correlation,
  bt500 = bt500, bs1116 = bs1116, opinion = opinion, missing = missing, sos = sos,
  planning = planning, widths = cases, differences = tests),
  "panels.json", digits = 12, na = "null", auto_unbox = TRUE)
