"""The second factor of staff: codes of an authenticator app (TOTP), as the setting ``STAFF_SECOND_FACTOR`` says.

An account has one confirmed device at most. A session is verified by a code of it.
"""

from __future__ import annotations

from base64 import b32encode
from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django_otp import login as verify_session
from django_otp import verify_token
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.widgets import UnfoldAdminTextInputWidget


class CodeField(forms.CharField):
    """The field for a code, which may have blanks as apps show it."""

    widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"})

    def clean(self, value: Any) -> str:
        """The code without blanks."""
        return super().clean(value).replace(" ", "")


class CodeForm(forms.Form):
    """The form for a code of a device. ``verified`` is the device after its code was right."""

    code = CodeField()

    def __init__(self, device: TOTPDevice, data: Any = None) -> None:
        super().__init__(data)
        self.verified = self._device = device

    def clean_code(self) -> str:
        """The code, which cannot be used again."""
        self.verified = verify_token(self._device.user, self._device.persistent_id, self.cleaned_data["code"])
        if self.verified is None:
            raise ValidationError("Not the code at this moment, or used already. Wait for the next one.")
        return self.cleaned_data["code"]


def is_offered() -> bool:
    """Whether accounts can have a second factor."""
    return settings.STAFF_SECOND_FACTOR != "off"


def find_device(user: Any) -> TOTPDevice | None:
    """The confirmed device of an account."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).order_by("id").first()


def verify_login(user: User, code: str) -> bool:
    """Whether an account may log in with a code; without a device it needs none. The session will be verified."""
    device = find_device(user)
    if device is None:
        return True
    # A login without a code is no guess, after which the device would refuse the next code for a second.
    verified = verify_token(user, device.persistent_id, code) if code else None
    if verified:
        # Stored in the session by django-otp.
        user.otp_device = verified  # type: ignore[attr-defined]
    return verified is not None


def is_satisfied(request: HttpRequest) -> bool:
    """Whether the session of a member of staff needs no code, or is verified."""
    if not is_offered() or _is_verified(request):
        return True
    return settings.STAFF_SECOND_FACTOR == "optional" and find_device(request.user) is None


def must_set_up(request: HttpRequest) -> bool:
    """Whether a member of staff has no device and needs one."""
    is_required = settings.STAFF_SECOND_FACTOR == "required" and not _is_verified(request)
    return is_required and find_device(request.user) is None


def reset(user: User) -> bool:
    """Remove the device of an account; return whether it had one."""
    return TOTPDevice.objects.filter(user=user).delete()[0] > 0


def list_account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """The links in the menu of the account; none for those of the theme."""
    if not is_offered():
        return []
    links = [("Change password", "admin:password_change"), ("Second factor", "admin:second_factor")]
    return [{"title": title, "link": reverse(name)} for title, name in links]


def serve_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The page that sets up the device of the user, or removes it. Both need a code of the device."""
    user: Any = request.user
    confirmed = find_device(user)
    is_posted = request.method == "POST"
    if is_posted and ("remove" in request.POST) != (confirmed is not None):
        return redirect("admin:second_factor")  # sent twice, or from a page that is outdated
    device = confirmed or _get_unconfirmed(user, is_new=not is_posted)
    form = CodeForm(device, request.POST if is_posted else None)
    if is_posted and form.is_valid():
        if confirmed:
            reset(user)
            messages.success(request, "The second factor is removed.")
        else:
            _confirm(request, form.verified)
            messages.success(request, "The second factor is set up. The next login asks for a code.")
        return redirect("admin:index")
    context |= {"title": "Second factor", "form": form, "is_confirmed": bool(confirmed)}
    if not confirmed:
        secret = b32encode(device.bin_key).decode()
        image = segno.make_qr(device.config_url).svg_inline(scale=4, light="white", title="QR code of the secret")
        context |= {"secret": secret, "image": image, "is_required": must_set_up(request)}
    return TemplateResponse(request, "admin_site/second_factor.html", context)


def _is_verified(request: HttpRequest) -> bool:
    return getattr(request.user, "otp_device", None) is not None


def _get_unconfirmed(user: User, *, is_new: bool) -> TOTPDevice:
    """The device that is being set up. Each view of the page has a new one, so that a secret seen earlier is void."""
    devices = TOTPDevice.objects.filter(user=user, confirmed=False)
    if is_new:
        devices.delete()
    return devices.order_by("-id").first() or TOTPDevice.objects.create(user=user, confirmed=False)


def _confirm(request: HttpRequest, device: TOTPDevice) -> None:
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    request.session.cycle_key()
    verify_session(request, device)
