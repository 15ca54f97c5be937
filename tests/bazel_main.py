"""Runs the test file that is named as the argument: the program behind every Bazel test."""

import sys

import pytest

sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]))
