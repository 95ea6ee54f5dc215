"""`python -m benchmarks sort`: time a suite and print a table; no exit status depends on a timing."""

import argparse
from pathlib import Path

from . import process, sort
from .harness import run
from .report import Report

SUITES = {"sort": sort.cases}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time sortax side by side with others.")
    parser.add_argument("suite", nargs="?", choices=SUITES, default="sort")
    parser.add_argument("--cases", default="", help="only cases whose name contains this")
    parser.add_argument("--rounds", type=int, default=11, help="rounds a case at most (slow cases take fewer)")
    parser.add_argument("--output", type=Path, help="append JSON lines to this file")
    options = parser.parse_args()

    report = Report(options.output)
    with report.console.status("") as status:
        for case in SUITES[options.suite]():
            if options.cases in case.name:
                status.update(case.name)
                report.add(case, run(case, rounds=options.rounds))
        status.update("processes of their own")
        for figure in process.figures():
            if options.cases in figure.name:
                report.add_figure(figure)
    report.show()


if __name__ == "__main__":
    main()
