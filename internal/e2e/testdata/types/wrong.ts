// Each of these five is a mistake that simplejwt.d.ts finds.
import { createClient } from "../../../../views/browser/simplejwt.js";

const client = createClient({ mode: "bearer" });
client.session = "x";
void client.login({ username: "alice" });
client.addEventListener("login", (event: MouseEvent) => console.log(event.x));
client.removeEventListener("logout", "listener");
