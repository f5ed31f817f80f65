"""Anthropic's chat model on a client with limits: its library has no argument for one."""

from functools import cached_property
from typing import Any

import anthropic
from langchain_anthropic import ChatAnthropic
from pydantic import Field


class LimitedAnthropic(ChatAnthropic):
    """ChatAnthropic over the HTTP client it is given."""

    http_client: Any = Field(exclude=True)

    @cached_property
    def _client(self) -> anthropic.Client:
        return anthropic.Client(**self._client_params, http_client=self.http_client)
