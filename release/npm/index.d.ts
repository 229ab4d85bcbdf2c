/** The absolute path of the program for this platform. Hosts spawn it without this package's script. */
export declare const path: string;
