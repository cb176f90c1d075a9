"""What others compute that this project does not, each function named after it; only to be told apart from ours."""

import cv2
import numpy as np
from skimage import color
from skimage.metrics import structural_similarity

from bench.metrics.cdc import STEPS, cdc
from bench.metrics.frechet import distance
from bench.metrics.psnr import CAP, mean_squared_error, psnr
from vision.occlusion import as_bytes, reliability

# VPN adds this to the root of the mean squared error, so that identical frames get 588 dB.
VPN_FLOOR = 1e-27


def psnr_uncapped(rgb: np.ndarray, truth: np.ndarray) -> float:
    """PSNR as scikit-image, TCVC and BasicSR have it: infinite for identical pictures."""
    capped = psnr(rgb, truth)
    if capped < CAP:
        return capped
    mse = mean_squared_error(rgb, truth)
    return 10 * np.log10(255**2 / mse) if mse else np.inf


def psnr_vpn(rgb: np.ndarray, truth: np.ndarray) -> float:
    """PSNR as Video Propagation Networks have it."""
    return 20 * np.log10(255 / rmse_vpn(rgb, truth))


def rmse_vpn(rgb: np.ndarray, truth: np.ndarray) -> float:
    """The error that goes into it, in 8-bit levels."""
    return np.sqrt(mean_squared_error(rgb, truth)) + VPN_FLOOR


def psnr_wrapping_around(rgb: np.ndarray, truth: np.ndarray) -> float:
    """PSNR as ColorMNet's script has it: differences and squares of 8 bits, modulo 256. It never falls below 24 dB."""
    difference = rgb - truth
    return 10 * np.log10(255**2 / np.square(difference, dtype=np.uint8).mean())


def ssim_uniform(rgb: np.ndarray, truth: np.ndarray, window: int = 7) -> float:
    """SSIM with scikit-image's defaults: a uniform window, sample covariance."""
    return structural_similarity(rgb, truth, win_size=window, channel_axis=-1, data_range=255)


def colorfulness_of_absolutes(rgb: np.ndarray) -> float:
    """Colourfulness M3 as widely copied, also by ColorMNet: opponent colours lose their signs before anything else."""
    red, green, blue = np.moveaxis(np.asarray(rgb, np.float64), -1, 0)
    opponents = np.abs([red - green, (red + green) / 2 - blue]).reshape(2, -1)
    return np.linalg.norm(opponents.std(axis=1)) + 0.3 * np.linalg.norm(opponents.mean(axis=1))


def colorfulness_of_absolutes_swapped(rgb: np.ndarray) -> float:
    """The same as ColorMNet calls it: with red and blue exchanged."""
    return colorfulness_of_absolutes(rgb[..., ::-1])


def cdc_or_nan(shares: np.ndarray) -> np.ndarray:
    """CDC (3,) as TCVC has it: NaN for a clip that is too short, and so for its whole set."""
    return cdc(shares) if len(shares) > max(STEPS) else np.full(3, np.nan)


def ruder_without_smoothing(flow: np.ndarray, flow_back: np.ndarray) -> np.ndarray:
    """Reliability as Ruder's program writes it with its smoothing set to 0: uint8 (H, W)."""
    return as_bytes(reliability(flow, flow_back))


def rgb_truncated(lab: np.ndarray) -> np.ndarray:
    """Lab to 8-bit RGB as the paper's program does: cut off, not rounded, half a level darker on average."""
    return (color.lab2rgb(lab) * 255).astype(np.uint8)


def frechet_from_moments(
    mean_1: np.ndarray, covariance_1: np.ndarray, mean_2: np.ndarray, covariance_2: np.ndarray
) -> float:
    """Frechet distance from means (d,) and covariances (d, d), as others' files of statistics hold them."""
    return distance(mean_1, root_of(covariance_1), mean_2, root_of(covariance_2))


def root_of(covariance: np.ndarray) -> np.ndarray:
    """A matrix A (d, d) with A'A = covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.sqrt(values.clip(min=0))[:, None] * vectors.T  # a singular one has values of about -1e-17


def opencv_lab8(rgb: np.ndarray) -> np.ndarray:
    """OpenCV's Lab in 8 bits: L x 255/100, a + 128, b + 128, uint8."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)


def opencv_lab_float(rgb: np.ndarray) -> np.ndarray:
    """OpenCV's Lab in Lab units, from a table: up to 0.25 off the formula."""
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
