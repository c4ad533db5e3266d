"""What tests share: stand-ins, real servers, and makers of real artefacts."""
