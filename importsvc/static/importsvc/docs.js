// Redoc shows the logo of its makers, from their site, and has no option to leave it out. React, which it is made with,
// sets the attribute and the property.
const isOwn = (address) => new URL(address, location.href).origin === location.origin;
const { setAttribute } = HTMLImageElement.prototype;
HTMLImageElement.prototype.setAttribute = function (name, value) {
  if (name !== "src" || isOwn(value)) {
    setAttribute.call(this, name, value);
  } else {
    // An image that cannot be loaded is taken out again.
    setTimeout(() => this.dispatchEvent(new Event("error")));
  }
};
Object.defineProperty(HTMLImageElement.prototype, "src", {
  set(address) {
    this.setAttribute("src", address);
  },
});

const page = document.getElementById("docs");
Redoc.init(page.dataset.description, { hideLoading: true }, page);
