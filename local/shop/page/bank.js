// Renders the page that PAYNET gave as html_content. It replaces this document, as a
// shop would show it: what the bank wrote runs here and nowhere else in the shop.
const html = sessionStorage.getItem("bank-html") ?? "";
sessionStorage.removeItem("bank-html");
document.open();
document.write(html);
document.close();
// It names no icon, and the browser would ask the shop for one that is not there.
const icon = document.createElement("link");
icon.rel = "icon";
icon.href = "data:,";
document.head.append(icon);
