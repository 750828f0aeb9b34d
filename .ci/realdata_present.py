"""Pytest plugin for machines that hold the real recordings: none may be skipped."""

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        if item.get_closest_marker("realdata"):
            report.outcome = "failed"
            report.longrepr = f"the recordings are here, yet: {report.longrepr}"
    return report
