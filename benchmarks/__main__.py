"""`python -m benchmarks sort`: measure a suite and print its tables. No exit status depends on a timing."""

import argparse
import sys
from pathlib import Path

from . import suites
from .harness import Effort, Skipped
from .machine import Others
from .programs import MISSING
from .report import Report


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Time sortax side by side with other programs, in one run."
    )
    parser.add_argument("suite", nargs="?", choices=suites.NAMES, default="sort", help="what to measure (default: sort)")
    parser.add_argument("--cases", default="", metavar="TEXT", help="only cases with this in `group: name`")
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, without 10^7 elements or what has 10^6 and no goal"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds a case at most (default: 25, quick: 5)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="append JSON lines, one for each case and program")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")

    effort = Effort(options.rounds or (5 if options.quick else 25), 0.2 if options.quick else 0.6)
    chosen = [
        case for case in suites.cases(options.suite) if options.cases in case.title and not (options.quick and case.slow)
    ]
    if not chosen:
        parser.error(f"no case of {options.suite} has {options.cases!r} in its name")

    with Report(options.suite, effort, options.output) as report:
        for library in MISSING:
            report.say(f"{library} is not installed: its programs are left out.")
        for i, case in enumerate(chosen, 1):
            report.show_status(f"{i} of {len(chosen)}: {case.title}")
            others = Others()
            try:
                report.add(case, case.measure(effort), others.cores())
            except Skipped as reason:
                report.say(f"{case.title} is left out: {reason}.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        # The report has shown what there was.
        sys.exit(130)
