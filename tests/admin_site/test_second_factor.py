"""Staff log in with a code of an authenticator app where the setting says so, and never need one otherwise."""

from __future__ import annotations

import re
from base64 import b32decode
from typing import Any

import pytest
import segno
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from importsvc.guessing.services import PAIR_LIMIT
from tests.admin_pages import messages_of, read

PASSWORD = "correct horse battery"
PAGE = "/admin/second-factor/"
REFUSAL = "Please enter the correct username and password of a staff account, and its code if it has one."


@pytest.fixture(autouse=True)
def staff(db: None, settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Otherwise a code that is sent a moment late makes the next ones of a test too early.
    settings.OTP_TOTP_SYNC = False
    return User.objects.create_user("Oli", password=PASSWORD, is_staff=True)


@pytest.fixture
def optional(settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = "optional"


@pytest.fixture
def required(settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = "required"


@pytest.fixture
def device(staff: User) -> TOTPDevice:
    """That of Oli, confirmed."""
    return TOTPDevice.objects.create(user=staff)


def make_code(secret: bytes, *, steps: int = 0) -> str:
    """The code that the app shows now, or so many times 30 seconds later."""
    return f"{totp(secret, t0=-30 * steps):06}"


def find_wrong_code(device: TOTPDevice) -> str:
    """A code that is not accepted now or soon."""
    near = {make_code(device.bin_key, steps=steps) for steps in range(-3, 20)}
    return next(code for code in map("{:06}".format, range(100)) if code not in near)


def log_in(client: Client, *, password: str = PASSWORD, **fields: str) -> Any:
    return client.post("/admin/login/?next=/admin/", {"username": "Oli", "password": password, **fields})


def assert_inside(client: Client) -> None:
    assert client.get("/admin/").status_code == 200


def assert_outside(client: Client) -> None:
    response = client.get("/admin/")
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/admin/")


def assert_refused(client: Client, response: Any) -> None:
    assert response.status_code == 200
    assert response.context["form"].errors == {"__all__": [REFUSAL]}
    assert_outside(client)


def read_secret(page: str) -> bytes:
    """The secret that the page shows."""
    shown = re.search('<code id="secret">([A-Z2-7]{32})</code>', page)
    assert shown
    return b32decode(shown[1])


def test_without_the_setting_no_page_knows_a_second_factor(client: Client, device: TOTPDevice) -> None:
    assert 'name="code"' not in read(client, "/admin/login/")
    assert log_in(client).status_code == 302
    home = read(client, "/admin/")
    assert "Second factor" not in home
    assert "Change password" in home
    assert client.get(PAGE).status_code == client.post(PAGE, {"code": "1"}).status_code == 404


def test_without_the_setting_a_refused_login_says_what_it_always_said(client: Client) -> None:
    page = log_in(client, password="wrong").content.decode()
    assert "Please enter the correct username and password for a staff account." in page


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_a_device_is_set_up_with_its_code_and_then_needed(client: Client, settings: Settings, mode: str) -> None:
    settings.STAFF_SECOND_FACTOR = mode
    log_in(client)
    secret = read_secret(read(client, PAGE))

    response = client.post(PAGE, {"code": make_code(secret)}, follow=True)

    assert response.redirect_chain == [("/admin/", 302)]
    assert messages_of(response) == ["The second factor is set up. The next login asks for a code."]
    assert "An authenticator app is set up" in read(client, PAGE)
    other = Client()
    assert_refused(other, log_in(other))
    assert log_in(other, code=make_code(secret, steps=1)).status_code == 302
    assert_inside(other)


def test_the_page_shows_the_secret_as_text_and_as_an_image_and_to_no_cache(optional: None, client: Client) -> None:
    log_in(client)
    response = client.get(PAGE)
    page = response.content.decode()
    secret = page.partition('<code id="secret">')[2].partition("</code>")[0]
    url = f"otpauth://totp/importsvc%3AOli?secret={secret}&algorithm=SHA1&digits=6&period=30&issuer=importsvc"
    assert segno.make_qr(url).svg_inline(scale=4, light="white", title="QR code of the secret") in page
    assert "no-store" in response["Cache-Control"]
    assert not re.search(r"<script(?![^>]* src=)(?![^>]*application/json)", page)


def test_the_menu_of_the_account_has_the_page(optional: None, client: Client) -> None:
    log_in(client)
    home = read(client, "/admin/")
    assert f'<a href="{PAGE}"' in home
    assert '<a href="/admin/password_change/"' in home


def test_a_wrong_code_sets_nothing_up_and_shows_the_same_secret_again(optional: None, client: Client) -> None:
    log_in(client)
    secret = read_secret(read(client, PAGE))
    for code in (find_wrong_code(TOTPDevice.objects.get()), "", "abc", "9" * 5000, "\0"):
        response = client.post(PAGE, {"code": code})
        assert response.status_code == 200
        assert list(response.context["form"].errors) == ["code"]
        assert read_secret(response.content.decode()) == secret
    assert not TOTPDevice.objects.get().confirmed
    assert log_in(Client()).status_code == 302


def test_each_view_of_the_page_shows_another_secret_and_the_ones_before_are_void(
    optional: None, client: Client
) -> None:
    log_in(client)
    before, after = read_secret(read(client, PAGE)), read_secret(read(client, PAGE))
    assert before != after
    assert client.post(PAGE, {"code": make_code(before)}).status_code == 200
    assert not TOTPDevice.objects.get().confirmed


def test_a_form_that_is_sent_twice_neither_sets_up_another_device_nor_removes_it(
    optional: None, client: Client
) -> None:
    log_in(client)
    form = {"code": make_code(read_secret(read(client, PAGE)))}
    assert client.post(PAGE, form)["Location"] == "/admin/"
    assert client.post(PAGE, form)["Location"] == PAGE
    assert TOTPDevice.objects.get().confirmed


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_the_page_is_for_staff_only(client: Client, settings: Settings, mode: str) -> None:
    settings.STAFF_SECOND_FACTOR = mode
    assert client.get(PAGE)["Location"] == f"/admin/login/?next={PAGE}"
    client.force_login(User.objects.create_user("Eve"))
    assert client.get(PAGE)["Location"] == client.post(PAGE)["Location"] == f"/admin/login/?next={PAGE}"
    assert not TOTPDevice.objects.exists()


def test_the_login_page_has_a_labelled_field_for_the_code(optional: None, client: Client) -> None:
    page = read(client, "/admin/login/")
    field = re.search(r'<input[^>]* name="code"[^>]*>', page)
    assert field
    assert 'autocomplete="one-time-code"' in field[0]
    assert 'id="id_code"' in field[0]
    assert re.search(r'<label[^>]* for="id_code"', page)


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_a_confirmed_device_must_give_its_code_once(
    client: Client, settings: Settings, device: TOTPDevice, mode: str
) -> None:
    settings.STAFF_SECOND_FACTOR = mode
    code = make_code(device.bin_key)

    assert log_in(client, code=f"{code[:3]} {code[3:]}").status_code == 302
    assert_inside(client)
    other = Client()
    assert_refused(other, log_in(other, code=code))


@pytest.mark.parametrize("code", ["", "abc", "9" * 5000, "-1"])
def test_a_code_that_is_none_is_refused(optional: None, client: Client, device: TOTPDevice, code: str) -> None:
    assert_refused(client, log_in(client, code=code))


def test_a_code_of_another_account_is_refused(optional: None, client: Client, device: TOTPDevice) -> None:
    other = TOTPDevice.objects.create(user=User.objects.create_user("Eve", is_staff=True))
    assert_refused(client, log_in(client, code=make_code(other.bin_key)))


def test_a_wrong_code_is_refused_as_a_wrong_password_is(optional: None, client: Client, device: TOTPDevice) -> None:
    assert_refused(client, log_in(client, code=find_wrong_code(device)))
    assert_refused(client, log_in(client, password="wrong", code=make_code(device.bin_key)))


def test_wrong_codes_count_as_failed_logins(optional: None, client: Client, device: TOTPDevice) -> None:
    wrong = find_wrong_code(device)
    assert [log_in(client, code=wrong).status_code for _ in range(PAIR_LIMIT)] == [200] * PAIR_LIMIT
    TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)

    refused = log_in(client, code=make_code(device.bin_key))

    assert refused.status_code == 429
    assert_outside(client)


def test_an_account_without_a_device_logs_in_with_its_password_where_that_is_optional(
    optional: None, client: Client, staff: User
) -> None:
    TOTPDevice.objects.create(user=staff, confirmed=False)
    assert log_in(client, code="123456").status_code == 302
    assert_inside(client)


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_a_session_that_began_without_a_code_ends_when_there_is_a_device(
    client: Client, settings: Settings, staff: User, mode: str
) -> None:
    settings.STAFF_SECOND_FACTOR = mode
    client.force_login(staff)
    device = TOTPDevice.objects.create(user=staff)
    assert_outside(client)
    assert client.get(PAGE)["Location"] == f"/admin/login/?next={PAGE}"
    assert log_in(client, code=make_code(device.bin_key)).status_code == 302
    assert_inside(client)


@pytest.mark.parametrize("url", ["/admin/", "/admin/imports/import/", "/admin/password_change/", "/admin/search/?s=x"])
def test_where_it_is_required_all_pages_lead_to_the_one_that_sets_it_up(
    required: None, client: Client, staff: User, url: str
) -> None:
    User.objects.update(is_superuser=True)
    log_in(client)
    assert client.get(url)["Location"] == client.post(url)["Location"] == PAGE
    assert "The other pages need a second factor." in read(client, PAGE)


@pytest.mark.parametrize("has_device", [False, True])
def test_a_session_that_lacks_a_code_can_log_out(required: None, client: Client, staff: User, has_device: bool) -> None:
    client.force_login(staff)
    if has_device:
        TOTPDevice.objects.create(user=staff)
    assert client.post("/admin/logout/").status_code == 200
    assert "_auth_user_id" not in client.session


def test_a_device_is_removed_with_its_code_only(optional: None, client: Client, device: TOTPDevice) -> None:
    used = make_code(device.bin_key)
    log_in(client, code=used)

    for code in (used, "", find_wrong_code(device)):
        refused = client.post(PAGE, {"remove": "yes", "code": code})
        assert list(refused.context["form"].errors) == ["code"]
    TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    removed = client.post(PAGE, {"remove": "yes", "code": make_code(device.bin_key, steps=1)}, follow=True)

    assert removed.redirect_chain == [("/admin/", 302)]
    assert messages_of(removed) == ["The second factor is removed."]
    assert not TOTPDevice.objects.exists()
    assert log_in(Client()).status_code == 302


def test_a_device_that_is_removed_where_it_is_required_must_be_set_up_anew(
    required: None, client: Client, device: TOTPDevice
) -> None:
    log_in(client, code=make_code(device.bin_key))
    client.post(PAGE, {"remove": "yes", "code": make_code(device.bin_key, steps=1)})
    assert client.get("/admin/")["Location"] == PAGE


def test_secrets_of_devices_are_on_no_other_page(optional: None, client: Client, device: TOTPDevice) -> None:
    User.objects.update(is_superuser=True)
    log_in(client, code=make_code(device.bin_key))
    assert client.get("/admin/otp_totp/totpdevice/").status_code == 404
    assert "<svg" not in read(client, PAGE).partition("<form")[2]
    assert "Secret:" not in read(client, PAGE)
