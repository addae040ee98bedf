"""farechain: signed payment events in, provable electronic invoices out."""
