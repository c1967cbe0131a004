"""Forms of an import: the file and how it is meant, and the same once more, hidden, to confirm."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.files.uploadedfile import UploadedFile
from import_export.forms import ConfirmImportForm
from unfold.contrib.import_export.forms import ImportForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminURLInputWidget

from readiness.spreadsheets import MAX_BYTES, MAX_ROWS

ZONES = [(name, name) for name in ("UTC", *sorted(available_timezones() - {"UTC", "localtime", "Factory"}))]
LARGEST = f"{MAX_BYTES // 1024 // 1024} MB"


class SheetForm(ImportForm):
    """The file."""

    field_order = ["resource", "import_file"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import_file"].label = "File"
        self.fields["import_file"].help_text = (
            f"CSV (UTF-8; comma, semicolon or tab) or XLSX (its first sheet), at most {LARGEST} and "
            f"{MAX_ROWS:,} rows."
        )
        self.fields["format"].widget = forms.HiddenInput()
        self.initial["format"] = "0"

    def clean_import_file(self) -> UploadedFile:
        """Refuse what is too large before it is read."""
        file: UploadedFile = self.cleaned_data["import_file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(f"The file is larger than {LARGEST}. Split it.")
        return file


class SheetConfirmForm(ConfirmImportForm):
    """What was previewed, to be confirmed. The library would fail at a format or resource that is none."""

    format = forms.ChoiceField(choices=[("0", "0")], widget=forms.HiddenInput)
    resource = forms.ChoiceField(choices=[("0", "0")], required=False, widget=forms.HiddenInput)
    previewed = forms.CharField(max_length=64, widget=forms.HiddenInput)


class EvidenceSheetForm(SheetForm):
    """The file, and where the clocks stood that its times were read from."""

    time_zone = forms.ChoiceField(
        label="Time zone of the file",
        choices=ZONES,
        initial="UTC",
        widget=UnfoldAdminSelectWidget,
        help_text="Times without an offset, as spreadsheets keep them, are of this zone.",
    )


class EvidenceSheetConfirmForm(SheetConfirmForm):
    """The same, to be confirmed."""

    time_zone = forms.ChoiceField(choices=ZONES, widget=forms.HiddenInput)


class FeedSheetForm(EvidenceSheetForm):
    """Spans of feeds from a sheet are declared: somebody vouches for them."""

    reason = forms.CharField(
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="How you know that the sources reported then. It is shown wherever a span carries a score.",
    )
    link = forms.URLField(
        max_length=1000,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text="What shows it: the log, the ticket, the dashboard. A row with a url keeps its own.",
    )


class FeedSheetConfirmForm(EvidenceSheetConfirmForm):
    """The same, with who vouches how."""

    reason = forms.CharField(max_length=2000, widget=forms.HiddenInput)
    link = forms.URLField(max_length=1000, assume_scheme="https", widget=forms.HiddenInput)
