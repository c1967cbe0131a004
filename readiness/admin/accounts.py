"""Log-ins and groups: who may log in, as whom, with which rights; and who tried to."""

from typing import Any

from axes.models import AccessAttempt, AccessLog
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as PlainGroupAdmin
from django.contrib.auth.admin import UserAdmin as PlainUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelect2Widget

from readiness.admin.exports import Exports
from readiness.admin.labels import label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Identity, Person
from readiness.rights import GROUPS, exceeds

admin.site.unregister(User)
admin.site.unregister(Group)


class LogInForm(UserChangeForm):
    """A log-in, with the person that it belongs to."""

    person = forms.ModelChoiceField(
        queryset=Person.objects.all(),
        required=False,
        widget=UnfoldAdminSelect2Widget,
        help_text="Whose log-in this is. The person's teams say which services are one's own.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        identity = _identity_of(self.instance.get_username())
        self.initial["person"] = identity.person_id if identity else None

    def clean_person(self) -> Person | None:
        """A person has at most one log-in."""
        person: Person | None = self.cleaned_data["person"]
        if person is None:
            return None
        taken = person.identities.filter(source=Identity.LOG_IN).exclude(external_id=self.initial["username"])
        if other := taken.first():
            raise forms.ValidationError(f"{person} has the log-in {other.external_id} already.")
        return person


def _identity_of(username: str) -> Identity | None:
    return Identity.objects.filter(source=Identity.LOG_IN, external_id=username).first()


@admin.register(User)
class UserAdmin(Exports, PlainUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # no generic when the program runs
    """Who may log in. Nobody gives away more than they have, nor touches an account that has more."""

    form = LogInForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "email", "group_names", "is_active", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Who it is", {"fields": ("person", "first_name", "last_name", "email")}),
        (
            "Rights",
            {
                "fields": ("is_active", "groups"),
                "description": "With a standard group a log-in may enter these pages; the group says what it "
                "may do here.",
            },
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    for_superusers = (
        "Beyond groups",
        {
            "fields": ("is_staff", "is_superuser", "user_permissions"),
            "description": "For superusers alone to see and to give.",
        },
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ("user_permissions",)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """What goes beyond groups is for superusers."""
        shown = super().get_fieldsets(request, obj)
        return (*shown, self.for_superusers) if obj and request.user.is_superuser else shown

    def get_queryset(self, request: HttpRequest) -> "QuerySet[User]":
        """With groups, by one query for all."""
        return super().get_queryset(request).prefetch_related("groups")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Neither an account nor its password is changed by somebody who may do less than it may."""
        may: bool = super().has_change_permission(request, obj)
        return may and (obj is None or not exceeds(obj, request.user))  # type: ignore[arg-type]  # logged in

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nor is it deleted, alone or among others."""
        may: bool = super().has_delete_permission(request, obj)
        return may and (obj is None or not exceeds(obj, request.user))  # type: ignore[arg-type]  # logged in

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Groups are boxes to tick; those that may do more than the one who asks are not theirs to give."""
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        if db_field.name == "groups" and not request.user.is_superuser:
            allowed = request.user.get_all_permissions()
            kwargs["queryset"] = Group.objects.filter(
                pk__in=[group.pk for group in _with_permissions() if _names(group) <= allowed]
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(  # noqa: PLR0917 - Django calls it so
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """A standard group opens the admin; the person is linked to the log-in's name."""
        super().save_related(request, form, formsets, change)
        user: User = form.instance
        if not user.is_staff and user.groups.filter(name__in=GROUPS).exists():
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        if change:
            _link(user, form.cleaned_data["person"], formerly=form.initial["username"])

    @admin.display(description="name")
    def full_name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name() or "–"

    @admin.display(description="groups")
    def group_names(self, user: User) -> str:
        """The groups of a log-in; a superuser needs none."""
        names = ["superuser"] if user.is_superuser else []
        return ", ".join([*names, *sorted(group.name for group in user.groups.all())]) or "none"


def _with_permissions() -> "QuerySet[Group]":
    return Group.objects.prefetch_related("permissions__content_type")


def _names(group: Group) -> set[str]:
    return {f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()}


def _link(user: User, person: Person | None, *, formerly: str) -> None:
    names = {formerly, user.get_username()}
    Identity.objects.filter(source=Identity.LOG_IN, external_id__in=names).delete()
    if person is not None:
        Identity.objects.create(person=person, source=Identity.LOG_IN, external_id=user.get_username())


@admin.register(Group)
class GroupAdmin(Exports, PlainGroupAdmin, ModelAdmin):
    """What those who belong together may do. The standard groups are given anew by each migrate."""

    list_display = ("name", "kind")

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """A change of a standard group would be gone after the next migrate."""
        may: bool = super().has_change_permission(request, obj)
        return may and (obj is None or obj.name not in GROUPS)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """A standard group that is deleted comes back, without its members."""
        may: bool = super().has_delete_permission(request, obj)
        return may and (obj is None or obj.name not in GROUPS)

    @admin.display(description="made by")
    def kind(self, group: Group) -> str:
        """Whether it is a standard group."""
        return "standard" if group.name in GROUPS else "this site"


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Failed attempts to log in, and who is locked out."""

    list_display = ("username", "ip_address", "failures_since_start", "standing", "attempt_time")
    search_fields = ("username", "ip_address")
    fields = ("username", "ip_address", "failures_since_start", "attempt_time", "path_info", "user_agent")
    ordering = ("-attempt_time",)
    export_without = ("get_data", "post_data", "http_accept")
    empty_says = "Nobody failed to log in lately."

    @admin.display(description="standing")
    def standing(self, attempt: AccessAttempt) -> SafeString | str:
        """Whether the next attempt is refused unseen."""
        locked = attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
        minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
        why = f"Refused until {minutes} minutes have passed since the last attempt."
        return label("locked out", "bad", title=why) if locked else "may try again"


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyAdmin):
    """Who logged in here, and from where."""

    list_display = ("username", "ip_address", "attempt_time", "logout_time")
    search_fields = ("username", "ip_address")
    fields = ("username", "ip_address", "attempt_time", "logout_time", "path_info", "user_agent")
    ordering = ("-attempt_time",)
    empty_says = "Nobody has logged in yet."
