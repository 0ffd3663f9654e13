"""A self-hosted wire desk: poll, deduplicate, group into stories, republish."""

__version__ = "0.1.0"
