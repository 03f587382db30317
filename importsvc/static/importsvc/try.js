const page = document.getElementById("try");
SwaggerUIBundle({
  url: page.dataset.description,
  domNode: page,
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  // The token stays in the page, and is gone when the page is.
  persistAuthorization: false,
  // The badge would ask another site to check the description.
  validatorUrl: null,
});
