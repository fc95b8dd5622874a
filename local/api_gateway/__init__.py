"""A stand-in for API Gateway and Lambda that is built from template.yaml alone."""
