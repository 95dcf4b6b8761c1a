package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
)

func ginApp(item http.HandlerFunc) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	app := gin.New()
	app.Use(otelgin.Middleware("gin"))
	app.GET("/items/:id", gin.WrapF(item))
	return app
}
