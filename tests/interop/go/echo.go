package main

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/contrib/instrumentation/github.com/labstack/echo/otelecho"
)

func echoApp(item http.HandlerFunc) http.Handler {
	app := echo.New()
	app.Use(otelecho.Middleware("echo"))
	app.GET("/items/:id", echo.WrapHandler(item))
	return app
}
