"""The admin of staff accounts: Django's users and groups, in the style of the other pages."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from importsvc.admin_site.lists import NamedAdmin

# Devices have secrets, and a page of their own.
admin.site.unregister([User, Group, TOTPDevice])


@admin.register(User)
class StaffAdmin(UserAdmin, NamedAdmin):
    """Accounts that may log in to the admin. The people of organizations are another model."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class StaffGroupAdmin(GroupAdmin, NamedAdmin):
    """Groups of staff accounts, with their permissions."""
