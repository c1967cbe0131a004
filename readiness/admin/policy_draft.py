"""Stores a draft of a policy from a text that somebody typed, pasted or uploaded."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from readiness import evaluation, governing
from readiness.admin.labels import actor
from readiness.admin.policy_page import is_key
from readiness.models import PolicyVersion
from readiness.policy import MAX_LENGTH, PolicyError

AROUND = 2
"""Lines shown before and after the one with a mistake."""
EDITOR = {"rows": 28, "class": "rd-text", "spellcheck": "false", "wrap": "off", "autocapitalize": "off"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the text near a mistake."""

    number: int
    text: str
    wrong: bool


class DraftForm(forms.Form):
    """The policy as YAML, typed or as a file, and why it was made."""

    text = forms.CharField(
        label="Policy",
        strip=False,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs=EDITOR),
        help_text="The whole policy as YAML; its name says of which policy it is a version. A tier names "
        "only what differs.",
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text="A YAML file; it takes the place of the text above.",
    )
    note = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why this version is made: for whoever activates it, and for later.",
    )

    def clean(self) -> dict[str, Any]:
        """Take the text from wherever it came, with line ends of one kind."""
        found: dict[str, Any] = self.cleaned_data
        file = found.get("file")
        text = found.get("text", "") if file is None else self._read(file)
        found["text"] = text.replace("\r\n", "\n")
        # So that a file with a mistake stands in the form, to be mended there.
        self.data = {name: self.data.get(name) for name in self.data} | {"text": found["text"]}
        if not found["text"].strip() and not self.errors:
            self.add_error("text", "Type or paste a policy, or choose a file.")
        return found

    def _read(self, file: Any) -> str:
        if file.size > MAX_LENGTH * 4:  # bytes that a character may take
            self.add_error("file", f"A policy has at most {MAX_LENGTH} characters.")
            return ""
        content: bytes = file.read()
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self.add_error("file", f"Line {line} is not a text in UTF-8.")
            return ""


def show(admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """The form, begun from another version (``?from=``) or from the one in force, and what comes of it."""
    if not request.user.has_perm("readiness.add_policyversion"):
        raise PermissionDenied(
            "Storing a draft takes the right to add policy versions, which SRE leads have."
        )
    posted = request.method == "POST"
    begun = None if posted else _begun_from(request)
    initial = {} if begun is None else {"text": begun.text}
    form = DraftForm(request.POST, request.FILES) if posted else DraftForm(initial=initial)
    lines: list[Line] = []
    if posted and form.is_valid():
        try:
            version = _stored(form, request)
        except PolicyError as error:
            form.add_error("text", str(error))
            lines = _near(form.data["text"], error.line)
        else:
            return HttpResponseRedirect(reverse("admin:readiness_policyversion_change", args=[version.pk]))
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": "New draft of a policy",
        "form": form,
        "begun": begun,
        "lines": lines,
    }
    return TemplateResponse(request, "readiness/draft_policy.html", context)


def _begun_from(request: HttpRequest) -> PolicyVersion:
    asked = request.GET.get("from", "")
    if is_key(asked):
        found = PolicyVersion.objects.filter(pk=int(asked)).first()
        if found is not None:
            return found
    return evaluation.in_force()


def _stored(form: DraftForm, request: HttpRequest) -> PolicyVersion:
    """Raises ``PolicyError``."""
    found = form.cleaned_data
    version = governing.apply_text(found["text"], author=actor(request), note=found["note"])
    messages.success(
        request, f"{version} is stored as a draft. Nothing is judged by it until somebody activates it."
    )
    return version


def _near(text: str, number: int | None) -> list[Line]:
    """The line with the mistake and those around it."""
    if number is None:
        return []
    lines = enumerate(text.split("\n"), start=1)
    return [Line(at, line, at == number) for at, line in lines if abs(at - number) <= AROUND]
