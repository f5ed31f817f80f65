"""Buttons and lists whose meaning stands in their id, so that they work after a restart."""

import re
from collections.abc import Sequence
from typing import Any, Protocol, Self, cast

import discord
from discord import ui

from bots.platform import unpack

Interaction = discord.Interaction[Any]


class Presses(Protocol):
    """The client that is told of a press."""

    async def pressed(self, interaction: Interaction, action: str, run: str, value: str) -> None: ...


async def _tell(interaction: Interaction, custom_id: str, chosen: str = "") -> None:
    meant = unpack(custom_id)
    if meant is not None:
        action, run, value = meant
        await cast(Presses, interaction.client).pressed(interaction, action, run, value + chosen)


class PressedButton(ui.DynamicItem[ui.Button[Any]], template=r"omc\|[^|]*\|[^|]*\|[\s\S]*"):
    """A button with `hearing.pack` as its id."""

    @classmethod
    def labelled(
        cls, custom_id: str, label: str, style: discord.ButtonStyle = discord.ButtonStyle.secondary
    ) -> Self:
        return cls(ui.Button(label=label, style=style, custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(cast("ui.Button[Any]", item))

    async def callback(self, interaction: Interaction) -> None:
        await _tell(interaction, self.custom_id)


class PressedSelect(ui.DynamicItem[ui.Select[Any]], template=r"omclist\|[\s\S]*"):
    """A list of choices; its id is that of a button without the end, which the chosen value is."""

    @classmethod
    def of(cls, custom_id: str, options: Sequence[discord.SelectOption]) -> Self:
        return cls(ui.Select(custom_id=custom_id.replace("omc", "omclist", 1), options=list(options)))

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(cast("ui.Select[Any]", item))

    async def callback(self, interaction: Interaction) -> None:
        await _tell(interaction, self.custom_id.replace("omclist", "omc", 1), self.item.values[0])
