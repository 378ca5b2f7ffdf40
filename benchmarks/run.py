"""Run every benchmark in turn; exit 1 when a budget is not kept."""

from __future__ import annotations

import sys

import bootstrap
import cold_parse
import fmt_files
import groups
import large_table
import noop_plan
import scale
import snapshot
import step_overhead

if __name__ == "__main__":
    sys.exit(
        max(
            bench.main()
            for bench in (
                noop_plan,
                scale,
                cold_parse,
                fmt_files,
                step_overhead,
                snapshot,
                large_table,
                groups,
                bootstrap,
            )
        )
    )
