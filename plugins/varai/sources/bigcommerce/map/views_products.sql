-- What is sold: variants, of which a product without choices has one. The selling price is what the store calculates for its shoppers.
CREATE VIEW sold AS
    SELECT *, option_of(one.option_values, ['size', 'eye size', 'frame size', 'größe', 'grösse', 'taille']) AS size,
        coalesce(text_of(one.calculated_price), text_of(one.price), text_of(price)) AS selling,
        coalesce(text_of(one.price), text_of(price)) AS regular,
        coalesce(nullif(parse_decimal(one.retail_price), 0), nullif(parse_decimal(retail_price), 0)) AS listed
    FROM (SELECT *, unnest(variants) AS one, generate_subscripts(variants, 1) AS place FROM lines);
