// Renders the page that PAYNET gave as html_content. It replaces this document, as a
// shop would show it: what the bank wrote runs here and nowhere else in the shop.
const html = sessionStorage.getItem("bank-html") ?? "";
sessionStorage.removeItem("bank-html");
document.open();
document.write(html);
document.close();
