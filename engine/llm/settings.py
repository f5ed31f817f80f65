"""Which language model thinks for the agents, where it is reached, and how much it may say.

Importing this file loads no client: `engine/llm/providers.py` does that, in the process that needs one.
"""

from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Provider = Literal["offline", "openai", "azure", "anthropic"]


class ModelSettings(BaseSettings):
    """Without a key the offline planner does everything, at no cost."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    llm_provider: Provider | None = Field(
        None, description="Who thinks; unset: whoever there is a key for, else the offline planner."
    )
    openai_api_key: SecretStr | None = Field(None, description="Key of OpenAI, or of a compatible server.")
    openai_base_url: AnyHttpUrl | None = Field(
        None, description="A compatible server (vLLM, Ollama, LiteLLM ...) instead of OpenAI's own."
    )
    openai_model: str = Field(
        "gpt-4.1-mini",
        min_length=1,
        description="Model of OpenAI or of a compatible server; Azure: the deployment.",
    )
    azure_openai_endpoint: AnyHttpUrl | None = Field(None, description="Address of the Azure resource.")
    azure_openai_api_key: SecretStr | None = Field(None, description="Key of the Azure resource.")
    openai_api_version: str = Field("2024-10-21", min_length=1, description="Version of Azure's interface.")
    anthropic_api_key: SecretStr | None = Field(None, description="Key of Anthropic.")
    anthropic_base_url: AnyHttpUrl | None = Field(None, description="A gateway instead of Anthropic's own.")
    anthropic_model: str = Field("claude-haiku-4-5", min_length=1, description="Model of Anthropic.")
    llm_models: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="Other models for single agents: reporting=gpt-4.1,planning=gpt-4.1"
    )
    llm_fallback_model: str | None = Field(
        None, description="Model of the same provider that is asked when the first does not answer."
    )
    llm_timeout_seconds: float = Field(60.0, gt=0, description="How long one answer may take, in seconds.")
    llm_calls_per_stage: int = Field(10, ge=1, description="Answers one agent may use for its stage.")
    max_tokens_per_request: int = Field(4000, ge=16, description="Longest answer of a model, in tokens.")
    enable_streaming: bool = Field(True, description="Read answers as they are written.")
    agent_max_retries: int = Field(
        3, ge=0, description="How often a model's server is asked again after a passing failure."
    )
    agent_timeout_seconds: float = Field(
        600.0, gt=0, description="How long one stage may take; half of it may be spent on asking a model."
    )

    @field_validator("llm_models", mode="before")
    @classmethod
    def _read_models(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if any(not name.strip() or not model.strip() for name, _, model in pairs):
            raise ValueError("write it as agent=model,agent=model")
        return {name.strip(): model.strip() for name, _, model in pairs}

    @model_validator(mode="after")
    def _is_complete(self) -> "ModelSettings":
        match self.llm_provider:
            case "openai" if not (self.openai_api_key or self.openai_base_url):
                raise ValueError("LLM_PROVIDER is openai: set OPENAI_API_KEY, or OPENAI_BASE_URL")
            case "azure" if not (self.azure_openai_api_key and self.azure_openai_endpoint):
                raise ValueError("LLM_PROVIDER is azure: set AZURE_OPENAI_API_KEY and AZURE_OPENAI_ENDPOINT")
            case "anthropic" if not self.anthropic_api_key:
                raise ValueError("LLM_PROVIDER is anthropic: set ANTHROPIC_API_KEY")
            case None if not (self.openai_api_key or self.openai_base_url) and (
                bool(self.azure_openai_api_key) != bool(self.azure_openai_endpoint)
            ):
                there, missing = "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"
                if not self.azure_openai_api_key:
                    there, missing = missing, there
                raise ValueError(f"{there} is set and {missing} is not: Azure needs both")
        return self

    @property
    def provider(self) -> Provider:
        """Who thinks: the one that was named, or the one there is a key for."""
        if self.llm_provider is not None:
            return self.llm_provider
        if self.openai_api_key or self.openai_base_url:
            return "openai"
        if self.azure_openai_api_key and self.azure_openai_endpoint:
            return "azure"
        return "anthropic" if self.anthropic_api_key else "offline"

    @property
    def default_model(self) -> str:
        """The model of every agent that has none of its own."""
        return self.anthropic_model if self.provider == "anthropic" else self.openai_model

    def model_of(self, agent: str) -> str:
        """The model that thinks for an agent (or for "planning")."""
        return self.llm_models.get(agent, self.default_model)

    @property
    def is_compatible_server(self) -> bool:
        """Whether OPENAI_BASE_URL names somebody else's server."""
        return self.provider == "openai" and self.openai_base_url is not None

    @property
    def address(self) -> AnyHttpUrl | None:
        """Where the provider is reached, where that was set; None for the provider's own address."""
        return {
            "openai": self.openai_base_url,
            "azure": self.azure_openai_endpoint,
            "anthropic": self.anthropic_base_url,
        }.get(self.provider)

    @property
    def address_name(self) -> str:
        """The environment name of that address."""
        return {"azure": "AZURE_OPENAI_ENDPOINT", "anthropic": "ANTHROPIC_BASE_URL"}.get(
            self.provider, "OPENAI_BASE_URL"
        )

    @property
    def host(self) -> str:
        """The server's name and port, without a path or what could be a secret; "" for the provider's own."""
        if self.address is None:
            return ""
        port = self.address.port
        usual = {"http": 80, "https": 443}.get(self.address.scheme)
        return f"{self.address.host}{'' if port in (None, usual) else f':{port}'}"

    @property
    def path(self) -> str:
        """The path of the address that was set."""
        return (self.address.path or "").rstrip("/") if self.address else ""

    @property
    def key_name(self) -> str:
        """The environment name of the key in use."""
        return {"azure": "AZURE_OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}.get(
            self.provider, "OPENAI_API_KEY"
        )

    @property
    def model_name_setting(self) -> str:
        """The environment name of the model in use."""
        return "ANTHROPIC_MODEL" if self.provider == "anthropic" else "OPENAI_MODEL"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys, to be kept out of everything that is written."""
        keys = (self.openai_api_key, self.azure_openai_api_key, self.anthropic_api_key)
        return tuple(key.get_secret_value() for key in keys if key is not None)
