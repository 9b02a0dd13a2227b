"""The loopback counts as TLS: a bucket policy that refuses aws:SecureTransport=false stays as it is on AWS."""
from ministack import app

from .source import take


def apply():
    pin = take(app, "pin_request_origin", "de819c1bd9ac")
    app.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)
