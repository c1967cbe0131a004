"""Puts “Import” on a list: django-import-export's upload, preview and confirmation, with our own pages."""

import logging
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from import_export.admin import ImportMixin
from import_export.formats.base_formats import Format

from readiness.admin.labels import actor
from readiness.admin.sheets import preview
from readiness.admin.sheets.forms import SheetForm
from readiness.admin.sheets.resource import Asked, SheetResource, SheetResult
from readiness.admin.sheets.storage import UploadStorage
from readiness.ingest import Outcome
from readiness.models import Upload
from readiness.spreadsheets import Layout, RawSheet, SheetError, csv_template, read_file, xlsx_template

logger = logging.getLogger(__name__)

SHOWN = 200
"""Rows of a preview that a page shows; the rest is counted."""
TEMPLATES = {
    "csv": (csv_template, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_template, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


class SheetFormat(Format):
    """CSV or XLSX: which one is seen from the file itself."""

    def __init__(self, encoding: str | None = None) -> None:
        self.encoding = encoding

    def get_title(self) -> str:
        """What the library shows where it asks for a format."""
        return "CSV or XLSX"

    def create_dataset(self, in_stream: bytes) -> RawSheet:
        """The rows of the first sheet. Raises ``SheetError``."""
        return read_file(in_stream)

    def get_read_mode(self) -> str:
        """Bytes, always: the encoding is looked at when the file is read."""
        return "rb"

    def can_import(self) -> bool:
        """It does."""
        return True


class SheetImports(ImportMixin):
    """Mix it in before ``ReadOnlyAdmin``. Who may add rows of the model may import them."""

    import_export_change_list_template = "readiness/sheets/change_list.html"
    import_template_name = "readiness/sheets/import.html"
    import_form_class = SheetForm
    tmp_storage_class = UploadStorage
    sheet_resource: type[SheetResource]
    sheet_says = ""
    """What is told above the form."""

    def sheet_layout(self) -> Layout:
        """The columns of the sheet, in the order of the template."""
        raise NotImplementedError

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Who may add rows may import them."""
        opts = self.opts
        return bool(request.user.has_perm(f"{opts.app_label}.add_{opts.model_name}"))

    def get_urls(self) -> list[URLPattern]:
        """With the templates to start from."""
        name = "{}_{}_import_template".format(*self.get_model_info())
        view = self.admin_site.admin_view(self.import_template)
        urls: list[URLPattern] = super().get_urls()
        return [path("import/template.<str:ending>", view, name=name), *urls]

    def import_template(self, request: HttpRequest, ending: str) -> HttpResponse:
        """A file with the header, and an example that is not imported."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if ending not in TEMPLATES:
            raise Http404
        make, content_type = TEMPLATES[ending]
        answer = HttpResponse(make(self.sheet_layout().columns), content_type=content_type)
        answer["Content-Disposition"] = f'attachment; filename="{self.opts.model_name}.{ending}"'
        return answer

    def get_import_formats(self) -> list[type[Format]]:
        """One, which knows both."""
        return [SheetFormat]

    def get_import_resource_classes(self, request: HttpRequest) -> list[type[SheetResource]]:
        """The one way to store such a sheet."""
        return [self.sheet_resource]

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """What the person asked for; a form that is not filled in yet asks for nothing in particular."""
        form: Form | None = kwargs.get("form")
        said = getattr(form, "cleaned_data", {})
        file = str(said.get("original_file_name") or getattr(said.get("import_file"), "name", ""))
        asked = Asked(actor(request), ZoneInfo(said.get("time_zone", "UTC")), file=file, said=said)
        return {"layout": self.sheet_layout(), "asked": asked}

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Form | None) -> dict[str, Any]:
        """Whatever was said beside the file."""
        initial: dict[str, Any] = super().get_confirm_form_initial(request, import_form)
        said = import_form.cleaned_data if import_form is not None else {}
        own = self.get_confirm_form_class(request).base_fields
        return {**{name: said[name] for name in own if name in said}, **initial}

    def add_data_read_fail_error_to_form(self, form: Form, error: Exception) -> None:
        """Say what is wrong with the file; what nobody thought of is logged."""
        if not isinstance(error, SheetError):
            logger.error("An uploaded spreadsheet could not be read", exc_info=error)
            error = SheetError("The file cannot be read.")
        form.add_error("import_file", str(error))

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The upload and its preview; nothing is written."""
        answer: TemplateResponse = super().import_action(request, **kwargs)
        context: dict[str, Any] = answer.context_data or {}
        result: SheetResult | None = context.get("result")
        if result and "confirm_form" in context:
            context["confirm_form"].initial["previewed"] = result.digest(actor(request))
        else:
            self._forget(request)
        answer.context_data = context | {
            "title": f"Import {self.opts.verbose_name_plural}",
            "says": self.sheet_says,
            "layout": self.sheet_layout(),
            "skipped": sorted(self.sheet_layout().skipped),
            "shown": SHOWN,
            "changing": preview.shown(result.changing[:SHOWN]) if result else [],
        }
        return answer

    def _forget(self, request: HttpRequest) -> None:
        """What cannot be confirmed need not be kept."""
        for file in request.FILES.values():
            if name := getattr(file, "tmp_storage_name", ""):
                UploadStorage(name=name).remove()

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Write what was previewed, once."""
        try:
            answer: HttpResponse = super().process_import(request, **kwargs)
        except Upload.DoesNotExist:
            return self._back(request, "This preview was imported meanwhile, or is too old.")
        if isinstance(answer, TemplateResponse):  # how the library says that the form was not what it made
            return self._back(request, "This is no preview that can be confirmed.")
        return answer

    def process_result(self, result: SheetResult, request: HttpRequest) -> HttpResponse:
        """Say what was written; or, where the preview no longer holds, that nothing was."""
        if result.has_errors():
            said = f"Something changed since the preview. {result.first_mistake} Nothing was written."
            return self._back(request, said)
        outcomes = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)
        said = ", ".join(f"{result.counts[outcome]:,} {outcome.value}" for outcome in outcomes)
        LogEntry.objects.create(
            user_id=request.user.pk,  # type: ignore[misc]  # logged in
            content_type=ContentType.objects.get_for_model(self.model),
            object_repr="a spreadsheet",
            action_flag=CHANGE,
            change_message=f"Imported {request.POST.get('original_file_name', '')[:200]}: {said}.",
        )
        messages.success(request, f"Imported: {said}.")
        return HttpResponseRedirect(self._address("changelist"))

    def _back(self, request: HttpRequest, said: str) -> HttpResponse:
        messages.error(request, f"{said} Upload the file once more.")
        return HttpResponseRedirect(self._address("import"))

    def _address(self, name: str) -> str:
        return reverse("admin:{}_{}_{}".format(*self.get_model_info(), name))
