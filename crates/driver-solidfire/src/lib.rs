//! NetApp SolidFire / Element behind the port.
