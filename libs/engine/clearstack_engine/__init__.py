"""The science: blind-spot training, noise analysis, tiled denoising. Knows no service."""
