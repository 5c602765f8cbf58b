# Golden numbers of a mixed-effects model: Rscript mixed_effects.R, in this folder.
# Reads mixed_effects.csv (made up; see the test), writes mixed_effects.json.
suppressMessages({library(lme4); library(lmerTest); library(emmeans); library(jsonlite)})
emm_options(lmerTest.limit = 5000, pbkrtest.limit = 5000)
data <- read.csv("mixed_effects.csv", stringsAsFactors = TRUE)
plain <- ~ system + (1 | listener) + (1 | item)
full <- ~ system + (1 | listener) + (1 | item) + (1 | listener:system) + (1 | item:system)
fit <- function(score, form) {
  model <- suppressMessages(lmer(update(form, paste(score, "~ .")), data, REML = TRUE,
    control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))))
  means <- emmeans(model, "system", lmer.df = "satterthwaite")
  pairs <- pairs(means, adjust = "none")
  roger <- as.data.frame(pairs(emmeans(model, "system", lmer.df = "kenward-roger"), adjust = "none"))
  variances <- as.data.frame(VarCorr(model))
  list(variances = setNames(as.list(variances$vcov), variances$grp),
    means = as.data.frame(confint(means)), contrasts = as.data.frame(pairs),
    limits = as.data.frame(confint(pairs)), together = as.data.frame(confint(pairs, adjust = "bonferroni")),
    holm = p.adjust(as.data.frame(pairs)$p.value, "holm"),
    kenward_roger = list(df = roger$df, p = roger$p.value))
}
found <- list(
  versions = list(R = R.version.string, lme4 = as.character(packageVersion("lme4")),
    lmerTest = as.character(packageVersion("lmerTest")), emmeans = as.character(packageVersion("emmeans"))),
  plain = fit("score", plain), full = fit("score", full), boundary = fit("boundary", full))
write_json(found, "mixed_effects.json", digits = 10, auto_unbox = TRUE, pretty = 1, data.frame = "columns")
