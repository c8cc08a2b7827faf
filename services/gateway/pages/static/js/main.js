// What the pages do beyond what they do without scripts. A module each; none knows the pages' words, only their attributes.
import "./shell.js";
import "./times.js";
import "./forms.js";
import "./topic.js";
import "./keys.js";
import "./palette.js";
import "./list.js";
import "./composer.js";
import "./unsent.js";
import "./attach.js";
import "./thread.js";
import "./here.js";
import "./charts.js";
import "./live.js";
