-- Which log the relay's cursor speaks of: on another one (a topic that was deleted and made anew) it begins again.
ALTER TABLE relay_cursor ADD COLUMN log text;
