"""How often the comparison names the planted mistake: python -m tests.benchmarks planted."""

from __future__ import annotations

import argparse

from tests.benchmarks.planted import functions, score
from tests.benchmarks.planted.cases import Case, all_cases, large_cases


def cause_of(answer: score.Answer) -> str:
    """What the mistake may be called."""
    case = answer.question
    return case.kind if len(case.causes) != 1 else "|".join(sorted(next(iter(case.causes.values()))))


def mistake_of(answer: score.Answer) -> str:
    """The kind of slip, without its place: its words, and the causes that it may be called."""
    case = answer.question
    assert isinstance(case, Case)
    if len(case.planted) != 1 or case.kind == "kink":
        return case.kind
    return f"{cause_of(answer)}: {case.planted[0][1]}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.planted", description=__doc__)
    parser.add_argument("--every", type=int, default=3, help="take every n-th case; 1 takes all")
    parser.add_argument("--network", default="", help="only networks whose name holds this")
    parser.add_argument("--mistake", default="", help="only cases whose title holds this")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print the first N failures in full")
    parser.add_argument("--threads", type=int, default=0, help="for the manner of the other benchmarks; unused")
    parser.add_argument("--functions", action="store_true", help="only whole functions, judged line by line")
    parser.add_argument("--without-catalogue", action="store_true", help="of those, the lines without a catalogue")
    options = parser.parse_args()

    if options.functions or options.without_catalogue:
        functions.main(options.every, options.show, options.mistake, options.without_catalogue)
        return

    chosen = [
        case
        for number, case in enumerate(all_cases())
        if number % options.every == 0 and options.network in case.network.name and options.mistake in case.title
    ]
    answers = [score.ask(case) for case in chosen]
    if not answers:
        print("no such case")
        return
    score.print_table("network", answers, lambda answer: answer.question.network.name)  # type: ignore[attr-defined]
    score.print_table("expected cause", answers, cause_of)
    score.print_table("mistake", answers, mistake_of)
    score.print_failures(answers, options.show)
    score.print_figures("Planted mistakes", answers)
    if not (options.network or options.mistake):
        score.print_figures("4 layers and 10,000 parameters", [score.ask(case) for case in large_cases()])
        functions.main(options.every)
        functions.main(options.every, without_catalogue=True)


if __name__ == "__main__":
    main()
