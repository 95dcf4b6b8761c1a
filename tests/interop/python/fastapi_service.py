"""A service with FastAPI in a chain of services of several languages."""

import socket

import chain
import fastapi
import uvicorn
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

chain.install()
app = fastapi.FastAPI()
FastAPIInstrumentor.instrument_app(app)


@app.get("/items/{number}")
def item(number, request: fastapi.Request):
    return chain.item("fastapi", request.headers.items())


listener = socket.create_server(("127.0.0.1", 0))
chain.announce(listener.getsockname()[1])
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])
