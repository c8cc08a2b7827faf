"""The demo: a story played live (`story`), a simulated quarter of a support desk (`simulation`), and what starts them."""
