"""Learners: predictors of the missing ratings, and the models that learn together."""
