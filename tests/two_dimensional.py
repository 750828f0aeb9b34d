"""Estimators of trials with labels, led through scikit-learn's checks of rows."""

from contract import _TwoDimensional
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

CONSTANT = {
    "check_estimators_dtypes": "rounded to integers, a row of its data is constant",
    "check_fit2d_1feature": "a signal of one sample is constant",
}


class TwoDimensionalClassifier:
    """Rows as trials of one channel, for a classifier: no accuracy is asked for."""

    _trials = _TwoDimensional._trials

    def fit(self, X, y):
        return super().fit(self._trials(X, reset=True), y)

    def predict(self, X):
        check_is_fitted(self)
        return super().predict(self._trials(X, reset=False))

    def decision_function(self, X):
        check_is_fitted(self)
        return super().decision_function(self._trials(X, reset=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        tags.classifier_tags.poor_score = True
        return tags


def assert_passes_checks(estimator, constant=CONSTANT):
    """All checks pass, but those that hand a constant signal, which is refused."""
    results = check_estimator(
        estimator, expected_failed_checks=constant, on_skip=None, on_fail=None
    )
    by_status = {}
    for result in results:
        by_status.setdefault(result["status"], {})[result["check_name"]] = result
    assert set(by_status) <= {"passed", "xfail", "skipped"}, by_status.get("failed")
    assert by_status["xfail"].keys() == constant.keys()
    for result in by_status["xfail"].values():
        assert "is constant" in str(result["exception"])
    assert by_status.get("skipped", {}).keys() <= {"check_array_api_input"}
    assert len(by_status["passed"]) >= 40
