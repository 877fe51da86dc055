-- Of a brand that set below which amount it is warned, and of which no operator has said when it pays in that currency, there is nothing here.
ALTER TABLE billing ALTER COLUMN billing DROP NOT NULL;
