"""Puts a policy version in force: a second person looks at what changes, says why, and confirms."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from readiness import evaluation, governing
from readiness.admin.labels import actor
from readiness.admin.policy_page import compared, latest_simulation, obstacle
from readiness.models import PolicyVersion
from readiness.nudging import nudge
from readiness.tasks import run_evaluation


class ActivationForm(forms.Form):
    """Why, and what the person saw in force when they looked at the changes."""

    reason = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why services are to be judged by this version from now on. It is kept with your name.",
    )
    instead_of = forms.ModelChoiceField(PolicyVersion.objects.defer("text"), widget=forms.HiddenInput)


def show(admin: ModelAdmin, request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """The changes with the form, and what comes of it."""
    if not request.user.has_perm("readiness.add_policyactivation"):
        raise PermissionDenied("Putting a policy in force takes the right to, which SRE leads have.")
    form = ActivationForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _activated(form, request, version):
        return HttpResponseRedirect(reverse("admin:readiness_policyversion_change", args=[version.pk]))
    # Asked anew: the version that stood in force when the form was made may have been replaced.
    replaced = evaluation.in_force()
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": version,
        "version": version,
        "title": f"Activate {version}",
        "form": form,
        "replaced": replaced,
        "obstacle": obstacle(request, version),
        "simulation": latest_simulation(version),
        **compared(version, replaced),
    }
    return TemplateResponse(request, "readiness/activate_policy.html", context)


def _activated(form: Any, request: HttpRequest, version: PolicyVersion) -> bool:
    try:
        run = governing.activate(version, actor=actor(request), **form.cleaned_data)
    except governing.ActivationError as error:
        form.add_error(None, str(error))
        return False
    page = format_html(
        '<a class="rd-link" href="{}">see how far it is</a>',
        reverse("admin:readiness_evaluation_change", args=[run.pk]),
    )
    said = "{} is in force. The fleet is being evaluated under it: {}. Earlier scorecards stay as they are."
    if not nudge(run_evaluation, run.pk):
        said = "{} is in force. The evaluation of the fleet waits for the worker's sweep: {}."
    messages.success(request, format_html(said, version, page))
    return True
