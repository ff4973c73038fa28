"""Programs that install, run and check the checkout; nothing here is part of the product."""
