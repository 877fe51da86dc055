//! Addresses as QR codes.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// The quiet zone of ISO/IEC 18004 is part of the image; a module is so many units of it.
const MODULE: u32 = 8;

/// The address as a QR code (ISO/IEC 18004): an SVG document, black on white, that a quarter of may be dirty. `None` of what no
/// QR code can hold.
pub(crate) fn of(url: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(url, EcLevel::Q).ok()?;
    let mut image = code.render::<svg::Color<'_>>();
    Some(image.module_dimensions(MODULE, MODULE).build())
}
