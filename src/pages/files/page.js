// What every page does.
import { begin } from "./acts.js";
import { keys } from "./keys.js";
import { follow, localise } from "./live.js";

localise(document);
keys();
begin();
follow();
