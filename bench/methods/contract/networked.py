"""Rows with networks that run where the configuration's `device` says."""

from functools import cached_property

from bench.methods.contract.method import Method


class Networked(Method):
    """What a method with networks is a subclass of: all that it computes with lies on its `device`."""

    uses_device = True

    @cached_property
    def device(self):
        """Where its networks run. Raises vision.placing.MissingDevice if this machine has no such device."""
        from vision.placing import device_called

        return device_called(self.setting.device)
