"""kling-mock: a stateful mock of Kling AI's text-to-speech and custom-voice API."""

__version__ = "0.1.0"
