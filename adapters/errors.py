"""What can go wrong with the base model and the tones trained on it."""


class AdapterError(Exception):
    """A sentence for the user: the thing, the place and the way out."""


class BaseModelError(AdapterError):
    """The base model is missing, damaged, or not one that can chat."""


class ExampleError(AdapterError):
    """A training example that breaks the format; names file and line."""


class TrainingStopped(AdapterError):
    """The user stopped a training before its end; nothing was written."""
