"""Services from a sheet: what is wrong with which row, what would change, and states by adoption alone."""

from collections.abc import Iterator, Sequence

from django import forms
from unfold.widgets import UnfoldBooleanWidget

from handoff.actions import MovedError
from handoff.admin.service_columns import LAYOUT
from handoff.catalogue import Catalogue, ServiceRecord, consequences_of, write
from handoff.consequences import Foreseen
from readiness.admin.sheets import SheetConfirmForm, SheetForm, SheetResource
from readiness.evidence import Problem, Rejection
from readiness.ingest import Change, Outcome, RowReport, rejected
from readiness.spreadsheets import Row, SheetError, read_values
from readiness.turns import take_turn


class ServiceSheetForm(SheetForm):
    """The file, and whether what it names may be made."""

    make_missing = forms.BooleanField(
        label="Make teams and systems that are missing",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Teams become placeholders, with default hours, until somebody describes them. Without it, "
        "a team or system that the catalogue does not know is a mistake.",
    )


class ServiceSheetConfirmForm(SheetConfirmForm):
    """The same, to be confirmed."""

    make_missing = forms.BooleanField(required=False, widget=forms.HiddenInput)


class ServiceSheet(SheetResource):
    """Rows of services."""

    def store(self, rows: Sequence[Row]) -> list[RowReport]:
        """Check every row, and store those that are right; the caller takes all back where one is wrong."""
        take_turn()
        catalogue = Catalogue(make_missing=bool(self.asked.said.get("make_missing")))
        checked = [(row.number, self._checked(row, catalogue)) for row in rows]
        catalogue.make()
        entries = {
            number: catalogue.entry(record) for number, record in checked if isinstance(record, ServiceRecord)
        }
        changed = [entry for entry in entries.values() if entry.changes]
        foreseen = {each.slug: each for each in consequences_of(changed)}
        try:
            write(changed, actor=self.asked.actor, reason=f"spreadsheet {self.asked.file}")
        except MovedError as error:  # somebody decided about what is open just then
            raise SheetError(str(error)) from error
        return [
            rejected(number, "", record.problems)
            if isinstance(record, Rejection)
            else RowReport(
                number,
                record.slug,
                _outcome(catalogue, record.slug, changed=bool(entries[number].changes)),
                (*entries[number].changes, *_told(foreseen.get(record.slug))),
            )
            for number, record in checked
        ]

    def _checked(self, row: Row, catalogue: Catalogue) -> ServiceRecord | Rejection:
        values, problems = read_values(row.cells, LAYOUT.columns, self.asked.zone)
        if row.beyond:
            problems.append(Problem("", "has more cells than the header has columns"))
        record = ServiceRecord.read(values)
        found = record.problems if isinstance(record, Rejection) else catalogue.problems(record, row.number)
        said = {problem.field for problem in problems}
        problems += [problem for problem in found if problem.field not in said]
        return Rejection(tuple(problems)) if problems or isinstance(record, Rejection) else record


def _told(foreseen: Foreseen | None) -> Iterator[Change]:
    """What becomes of what is open, among what the preview shows and a person confirms."""
    for each in foreseen.consequences if foreseen else ():
        subject, state = each.thing.subject.value, each.thing.state.replace("_", " ")
        yield Change(subject, f"{each.thing.name}, {state}", f"{each.becomes}: {each.why}")


def _outcome(catalogue: Catalogue, slug: str, *, changed: bool) -> Outcome:
    if not catalogue.knows(slug):
        return Outcome.CREATED
    return Outcome.UPDATED if changed else Outcome.UNCHANGED
