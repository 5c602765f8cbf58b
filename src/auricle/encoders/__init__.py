"""Networks that turn a spectrogram into frame embeddings."""
