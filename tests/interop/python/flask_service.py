"""A service with Flask in a chain of services of several languages."""

import chain
import flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from werkzeug.serving import make_server

chain.install()
app = flask.Flask("flask")
FlaskInstrumentor().instrument_app(app)


@app.get("/items/<number>")
def item(number):
    return chain.item("flask", flask.request.headers.items())


server = make_server("127.0.0.1", 0, app, threaded=True)
chain.announce(server.server_port)
server.serve_forever()
