#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The tests of timelines once more with the variant of OpenBLAS whose GEMM is known not to give a row
# the same bits whatever rows stand beside it: the recorded runs must make up for that.
OPENBLAS_CORETYPE=Haswell
export OPENBLAS_CORETYPE
exec "${SHELL:-/bin/sh}" "${srcdir:-.}/tests/tap_cmocka.sh" ./tests/test_session
