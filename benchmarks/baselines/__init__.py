"""What requests are compared with: other views of the same data, served by the same gunicorn in the same worker."""
