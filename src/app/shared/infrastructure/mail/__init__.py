"""Mail on its way out: by SMTP, or into a folder where development reads it."""
